/** The dialects that there are, under the names that `dialect.name` takes. */
export const dialectNames = ['PostgreSqlDatabaseDialect', 'SqliteDatabaseDialect'] as const;

export type DialectName = (typeof dialectNames)[number];
