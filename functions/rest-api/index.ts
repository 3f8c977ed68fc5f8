import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { Herder } from '../../shared/herder/herder.ts';
import { measureInvocation } from '../middleware/measure-invocation.ts';
import { createEnvironment, hurried } from '../wiring.ts';
import { CredentialsFile } from './credentials-file.ts';
import { requestOf, resultOf } from './http.ts';
import { withinLimit } from './large-answer.ts';
import { serve } from './rest-server.ts';
import { restSettings } from './rest-settings.ts';

const environment = createEnvironment(process.env, { table: hurried });
const herder = new Herder(environment);
const credentialsFile = process.env['SLUICE_CREDENTIALS_FILE'];
const server = {
  herder,
  logger: environment.logger,
  credentials: credentialsFile ? new CredentialsFile(credentialsFile) : null,
  ...restSettings(environment.worker),
};

/** Kafka Connect's REST API. */
export const handler = middy<APIGatewayProxyEventV2 | APIGatewayProxyEvent, APIGatewayProxyStructuredResultV2>()
  .use(measureInvocation(environment, 'rest-api'))
  .handler(async (event) => {
    const request = requestOf(event);
    return withinLimit(resultOf(await serve(request, server)), request.headers);
  });
