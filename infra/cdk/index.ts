/** What a CDK app imports from `sluice/cdk`. */
export { ConnectAlarms, ConnectorAlarms } from './alarms.ts';
export { ConnectCluster, type ConnectClusterProps, type SinkEventsOptions } from './connect-cluster.ts';
export { ConnectMetrics } from './connect-metrics.ts';
export { Connector, type ConnectorProps } from './connector.ts';
export { ConnectDashboard } from './dashboard.ts';
export { KafkaAccess, type MskOptions, type SaslOptions, type TlsOptions } from './kafka-access.ts';
export type { NetworkProps } from './network.ts';
export { type Authentication, RestApi } from './rest-api.ts';
export type { WakeSource } from './wake-sources.ts';
