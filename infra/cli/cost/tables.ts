import { type CostedConnector, estimateCost } from './model.ts';
import { listPrices } from './prices.ts';

const counts = [1, 10, 100] as const;
const volumes = [0, 1, 10, 100] as const;

/** The tables of docs/cost.md: dollars a month for 1, 10 and 100 JDBC sinks with records of 1 KB, size medium. */
export function costTables(): string[] {
  return [table('look'), table('continuous')];
}

function table(mode: CostedConnector['mode']): string {
  const rows = counts.flatMap((count) =>
    volumes
      .filter((gb) => gb > 0 || mode === 'look')
      .map((gb) => {
        const connectors = Array.from(
          { length: count },
          (_, index): CostedConnector => ({
            name: `sink-${index}`,
            kind: 'sink',
            jdbc: true,
            tasks: 1,
            gbPerDay: gb / count,
            recordBytes: 1000,
            activeHours: 24,
            mode,
            idlePollsPerDay: null,
          }),
        );
        const { total, lines, mskConnect, ownCluster } = estimateCost(connectors, { size: 'medium', prices: listPrices });
        const lambda = lines.find(({ what }) => what === 'Lambda')?.dollars ?? 0;
        const metrics = lines.filter(({ what }) => what.startsWith('CloudWatch')).reduce((sum, { dollars }) => sum + dollars, 0);
        const cells = [
          count,
          gb === 0 ? 'idle' : `${gb} GB`,
          ...[lambda, metrics, total, mskConnect.dollars, ownCluster.dollars].map((each) => `$${each.toFixed(2)}`),
        ];
        return `| ${cells.join(' | ')} |`;
      }),
  );
  const head = ['connectors', 'a day', 'Lambda', 'CloudWatch', '**Sluice, all**', 'MSK Connect', 'workers of your own'];
  return [`| ${head.join(' | ')} |`, `| ${head.map(() => '---').join(' | ')} |`, ...rows].join('\n');
}
