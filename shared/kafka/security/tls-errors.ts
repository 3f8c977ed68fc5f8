import { SslAuthenticationException } from '../kafka-errors.ts';

const tlsCode = /^(ERR_TLS|ERR_SSL|ERR_OSSL|DEPTH_|UNABLE_|CERT_|SELF_SIGNED|EPROTO|HOSTNAME_|INVALID_CA|PATH_LENGTH)/;

/** What a failure of TLS means and what to change; null when the error is not one of TLS. */
export function tlsError(error: NodeJS.ErrnoException, broker: string, host: string): SslAuthenticationException | null {
  const code = String(error.code ?? '');
  if (!tlsCode.test(code)) return null;
  // OpenSSL's own messages are for its authors; Node's advice about its command line is for nobody here.
  const reason = (error as { reason?: string }).reason ?? error.message;
  return new SslAuthenticationException(`No TLS connection to ${broker}: ${reason.replace(/; if the root CA .*|[.\s]+$/s, '')}. ${advice(code, host)}`, {
    cause: error,
  });
}

function advice(code: string, host: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `Its certificate is not for ${host}: use a name that it has in bootstrap.servers and in the broker's advertised.listeners, or make ssl.endpoint.identification.algorithm empty.`;
  }
  if (/ALERT/.test(code) && /CERTIFICATE|UNKNOWN_CA|DECRYPT|ACCESS_DENIED/.test(code)) {
    return "The broker did not accept the client's certificate: set ssl.keystore.certificate.chain and ssl.keystore.key to one that it trusts.";
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return "The broker's certificate is not valid now: it must be renewed.";
  if (/^(SELF_SIGNED|DEPTH_|UNABLE_|INVALID_CA|CERT_)/.test(code)) {
    return "The broker's certificate is not trusted: put the certificate of its authority into ssl.truststore.certificates.";
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST/.test(code)) {
    return 'The port does not speak TLS: change security.protocol to PLAINTEXT or SASL_PLAINTEXT, or bootstrap.servers to the port of a TLS listener.';
  }
  return 'Check security.protocol, ssl.enabled.protocols, ssl.cipher.suites and the ssl.keystore and ssl.truststore configurations.';
}
