import { expect, test } from 'vitest';
import { readListeners } from '../../infra/local/listeners.ts';

test.each([
  [{}, { port: null, adminPort: null, narrowed: [] }],
  [{ listeners: 'http://127.0.0.1:8084' }, { port: 8084, adminPort: null, narrowed: [] }],
  [{ listeners: 'HTTP://localhost:8084/' }, { port: 8084, adminPort: null, narrowed: [] }],
  [{ listeners: 'http://:8085' }, { port: 8085, adminPort: null, narrowed: ['http://:8085'] }],
  [{ 'admin.listeners': '' }, { port: null, adminPort: null, narrowed: [] }],
  [
    { listeners: 'http://127.0.0.1:1', 'admin.listeners': 'http://127.0.0.2:2' },
    { port: 1, adminPort: 2, narrowed: [] },
  ],
])('%j is %j', (worker, expected) => {
  expect(readListeners(worker as Record<string, string>)).toEqual(expected);
});

test.each([
  [
    { listeners: 'https://127.0.0.1:8443' },
    /^listeners=https:\/\/127\.0\.0\.1:8443: .*no TLS: name http:\/\/127\.0\.0\.1:8443, and put a proxy in front of it that does\.$/,
  ],
  [
    { listeners: 'http://0.0.0.0:8083' },
    /^listeners=.*listens on 127\.0\.0\.1 only: name http:\/\/127\.0\.0\.1:8083, and put a proxy in front of it for others\.$/,
  ],
  [{ listeners: 'http://connect.example:8083' }, /127\.0\.0\.1 only/],
  [{ 'admin.listeners': 'https://127.0.0.1:8443' }, /^admin\.listeners=.*no TLS/],
  [{ listeners: 'http://127.0.0.1:1,http://127.0.0.1:2' }, /listeners must name one listener/],
  [{ listeners: '' }, /listeners must be a listener such as http:\/\/127\.0\.0\.1:8083/],
  [{ listeners: 'here' }, /listeners must be a listener such as/],
  [{ listeners: 'http://127.0.0.1:99999' }, /listeners must be a listener such as/],
  [{ 'admin.listeners': 'foo' }, /admin\.listeners must be a listener such as/],
  [{ listeners: 'http://127.0.0.1:1', 'admin.listeners': 'http://127.0.0.1:1' }, /the same port 1: leave admin\.listeners out/],
])('%j is refused with what to do', (worker, message) => {
  expect(() => readListeners(worker as Record<string, string>)).toThrow(message);
});

test('where --port says the port, listeners may be anything', () => {
  expect(readListeners({ listeners: 'https://connect.example:8443' }, { ignoreMain: true })).toEqual({ port: null, adminPort: null, narrowed: [] });
});
