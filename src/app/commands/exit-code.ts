/**
 * How a command ends, for scripts: a refused pod is an answer, not a failure, and a mistyped flag is neither.
 * The same table is printed in docs/cli.md.
 */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done; for questions: the answer is yes' },
  failure: { code: 1, meaning: 'it could not be done: a file, a connection, or a bug; the message says which' },
  usage: { code: 2, meaning: 'the command line or an input is wrong; the message names the flag or the field' },
  refusal: { code: 3, meaning: 'Sluice refuses: the pod cannot be meshed as asked, or a measurement says no' },
  partial: {
    code: 5,
    meaning:
      'a measurement says partly yes: some traffic is redirected as promised, some is not; or an uninstall had to leave something',
  },
  unknown: { code: 4, meaning: 'it could not be found out; never to be read as yes' },
} as const

export type ExitName = keyof typeof EXIT_CODES
