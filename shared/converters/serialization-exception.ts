/** Kafka's error of serializers: bytes are not what they should be, or cannot be made. */
export class SerializationException extends Error {
  readonly javaClass = 'org.apache.kafka.common.errors.SerializationException';
}
