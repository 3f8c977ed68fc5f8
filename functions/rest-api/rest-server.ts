import type { Logger } from '../../shared/connect/logger.ts';
import type { Herder } from '../../shared/herder/herder.ts';
import type { CredentialsFile } from './credentials-file.ts';
import type { RestRequest, RestResponse } from './http.ts';
import { answer } from './rest-api.ts';
import type { RestSettings } from './rest-settings.ts';

export interface RestServerOptions extends RestSettings {
  readonly herder: Herder;
  readonly logger: Logger;
  /** Basic authentication; null: whoever gets here may do everything. */
  readonly credentials: CredentialsFile | null;
}

/** Answers requests as Kafka Connect's RestServer does around its resources. Never rejects. */
export async function serve(request: RestRequest, options: RestServerOptions): Promise<RestResponse> {
  const { herder, logger, credentials } = options;
  const admin = request.listener === 'admin';
  const response = await answer(request, {
    herder,
    logger,
    // Its own listener has neither authentication nor headers, as in Kafka Connect.
    isAllowed: ({ headers }) => admin || (credentials?.allows(headers['authorization']) ?? true),
    isServed: (path) => (path.startsWith('/admin/') ? admin || options.adminOnMain : !admin),
  });
  if (admin || !(options.crossOrigin || options.responseHeaders)) return response;
  const before = options.crossOrigin?.(request) ?? {};
  const ours: Record<string, string> = response.body === undefined && response.text === undefined ? {} : { 'content-type': 'application/json' };
  return { ...response, headers: { ...(options.responseHeaders?.(before, Date.now()) ?? before), ...ours, ...response.headers } };
}
