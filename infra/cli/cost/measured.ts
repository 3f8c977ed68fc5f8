/** What a cluster does, as it was measured; each figure with its source. Times are of one whole core. */
export const measured = {
  /** A look of the controller that finds nothing due (`npm start`, `look-time-ms` and `gb-seconds` over 20 looks with 0, 10 and 100 idle sinks). */
  lookMs: 9,
  lookMsPerSink: 0.5,
  /** A warm run with nothing to read: lease, first fetch, commit, release (`npm start`, `task-run-time-ms`). */
  runMs: 60,
  /** CPU seconds for a million records of 100 bytes (`npm run bench -- file`, `-- jdbc`; docs/benchmarks.md), ours and Kafka Connect's. */
  cpuPerMillion: {
    source: { ours: 1.27, kafkaConnect: 4.77 },
    sink: { ours: 0.95, kafkaConnect: 2.5 },
    jdbcSink: { ours: 2.95, kafkaConnect: 10.34 },
  },
  /** CPU seconds for each further gigabyte of payload (`npm run bench -- kafka`: records of 1 KB less those of 100 bytes). */
  cpuPerGb: { ours: 1.0, kafkaConnect: 1.1 },
  /** Time of a run by the CPU that its records take: it waits for Kafka and for the target, which are further away than here. An assumption. */
  elapsedPerCpu: 2,
  /** Write units of a run: lease, commit and release, each with its entry in the index of what is due; and of each further commit. */
  writesPerRun: 5,
  writesPerCommit: 1,
  /** Read units of a look (four shards of the index, and the count of tasks for each connector), and of each second of a run (has its user changed something?). */
  readsPerLook: 2,
  readsPerLookAndConnector: 0.5,
  readsPerRunSecond: 2,
  /** Bytes of log of an invocation that has nothing to tell, and of a run with metrics. */
  logBytesPerInvocation: 500,
  logBytesPerBusyRun: 2_500,
  /** Requests a minute with which Lambda polls the queue of failed invocations. */
  queuePollsPerMinute: 15,
  /** Metrics of CloudWatch: docs/metrics.md, what they cost. */
  metrics: { cluster: 16, busySink: 19, busySource: 15, furtherSinkTask: 9, furtherSourceTask: 7, idleSource: 4 },
  alarms: { cluster: 8, connector: 4 },
} as const;
