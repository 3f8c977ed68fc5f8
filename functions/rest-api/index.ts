import middy from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { Herder } from '../../shared/herder/herder.ts';
import { measureInvocation } from '../middleware/measure-invocation.ts';
import { createEnvironment } from '../wiring.ts';
import { requestOf, resultOf } from './http.ts';
import { answer } from './rest-api.ts';

const environment = createEnvironment(process.env);
const herder = new Herder(environment);

/** Kafka Connect's REST API. */
export const handler = middy<APIGatewayProxyEventV2 | APIGatewayProxyEvent, APIGatewayProxyStructuredResultV2>()
  .use(measureInvocation(environment, 'rest-api'))
  .handler(async (event) => resultOf(await answer(requestOf(event), { herder, logger: environment.logger })));
