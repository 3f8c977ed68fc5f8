import { ProducerFencedException } from '../../kafka/ports.ts';

/** Whether something failed because another producer has taken the transactional id over. */
export function isProducerFenced(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof ProducerFencedException) return true;
  return false;
}
