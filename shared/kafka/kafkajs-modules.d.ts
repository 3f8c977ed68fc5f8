declare module 'kafkajs/src/broker/saslAuthenticator/scram.js';
declare module 'kafkajs/src/network/connection.js';
declare module 'kafkajs/src/protocol/encoder.js';
declare module 'kafkajs/src/protocol/requests/apiKeys.js';
declare module 'kafkajs/src/protocol/requests/index.js';
declare module 'kafkajs/src/protocol/error.js';
