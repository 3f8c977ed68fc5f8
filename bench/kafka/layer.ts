/** The layer as one bundle. */
export { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
