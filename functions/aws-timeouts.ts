/** For clients of AWS that a look of the controller waits for: a service that does not answer is an error, and the next look tries again. */
export const answersSoon = { connectionTimeout: 2_000, requestTimeout: 8_000, throwOnRequestTimeout: true };
