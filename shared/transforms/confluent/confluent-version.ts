/** The release of Confluent's connect-transforms whose documentation these plugins follow. */
export const VERSION = '1.6.0';
