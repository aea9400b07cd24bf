import { directoryStore } from '../../edge/tls/directory-store.ts'
import { selfMadeSource } from '../../edge/tls/self-made-source.ts'
import { CERTIFICATE_FLAGS, certificateNames } from './certificates.ts'
import { type Command, CommandFailure } from './command.ts'
import { reasonOf } from './input.ts'
import { OUTPUT_FLAG, render } from './output.ts'

export const certsCommand: Command = {
  name: 'certs',
  positional: null,
  flags: [...CERTIFICATE_FLAGS, OUTPUT_FLAG],
  examples: ['sluice certs --dns-names sluice-webhook.sluice-system.svc', 'sluice certs -o json | jq -r .caBundle'],
  run: async (flags, _positional, io) => {
    const directory = flags['certs-dir'] ?? 'certs'
    const source = selfMadeSource({
      store: directoryStore(directory),
      names: certificateNames(flags),
      caName: 'sluice-ca',
      now: () => new Date(),
      report: (error) => io.err(`${reasonOf(error)}\n`),
      announce: (what, why) => io.err(`making a new ${what}: ${why}\n`),
    })
    await source.refresh().catch((error: unknown) => {
      throw new CommandFailure(`no certificate in ${directory}: ${reasonOf(error)}`, { cause: error })
    })
    const made = source.current()
    if (made === undefined) throw new CommandFailure(`no certificate in ${directory}`)
    const report = {
      directory,
      notAfter: made.notAfter.toISOString(),
      ca: made.ca,
      caBundle: Buffer.from(made.ca).toString('base64'),
    }
    io.out(
      render(
        flags,
        report,
        () => `directory  ${directory}\nvalid to   ${report.notAfter}\ncaBundle   ${report.caBundle}\n`,
      ),
    )
    return 'ok'
  },
}
