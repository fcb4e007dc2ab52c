// Certificates for an engine that is asked over the network: an authority, the engine's and a client's. For tests alone:
// they are good for two days.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './tools.mjs';

const port = 2376;
const days = '2';

export async function makeCertificates(folder, address) {
  mkdirSync(folder, { mode: 0o700 });
  const at = (name) => join(folder, name);
  const openssl = (...args) => must('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    days,
    '-subj',
    '/CN=engines of tests',
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca.pem',
  );
  const issue = async (name, usage) => {
    writeFileSync(at(`${name}.ext`), `subjectAltName=IP:${address}\nextendedKeyUsage=${usage}\n`);
    await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`);
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial'];
    await openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signer,
      '-days',
      days,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
  };
  await issue('server', 'serverAuth');
  await issue('client', 'clientAuth');
  return {
    host: address,
    port,
    listen: `tcp://${address}:${port}`,
    caPath: at('ca.pem'),
    serverCertificatePath: at('server.pem'),
    serverKeyPath: at('server-key.pem'),
    certificatePath: at('client.pem'),
    keyPath: at('client-key.pem'),
  };
}
