import { type CrossOrigin, crossOrigin } from './cross-origin.ts';
import { type ResponseHeaders, responseHeaders } from './response-headers.ts';

/** What the worker's properties say about HTTP. */
export interface RestSettings {
  readonly crossOrigin: CrossOrigin | null;
  readonly responseHeaders: ResponseHeaders | null;
  /** `admin.listeners` is not set: `/admin` is served beside the rest. Else it is only on listeners of its own, or, when it is empty, nowhere. */
  readonly adminOnMain: boolean;
}

/** Throws ConfigException naming the key that is wrong. */
export function restSettings(worker: Readonly<Record<string, string | undefined>>): RestSettings {
  return { crossOrigin: crossOrigin(worker), responseHeaders: responseHeaders(worker), adminOnMain: worker['admin.listeners'] === undefined };
}
