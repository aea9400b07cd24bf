import type { CommandRow } from './command.ts'

/** Every command of `sluice`, in the order of help; loaded only when it is run. */
export const COMMANDS: readonly CommandRow[] = [
  { name: 'webhook', load: async () => (await import('./webhook.ts')).webhookCommand },
  { name: 'agent', load: async () => (await import('./agent.ts')).agentCommand },
  { name: 'inject', load: async () => (await import('./inject.ts')).injectCommand },
  { name: 'explain', load: async () => (await import('./explain.ts')).explainCommand },
  { name: 'check', load: async () => (await import('./check.ts')).checkCommand },
  { name: 'status', load: async () => (await import('./status.ts')).statusCommand },
  { name: 'audit', load: async () => (await import('./audit.ts')).auditCommand },
  { name: 'plan', load: async () => (await import('./plan.ts')).planCommand },
  { name: 'rules', load: async () => (await import('./rules.ts')).rulesCommand },
  { name: 'verify', load: async () => (await import('./verify.ts')).verifyCommand },
  { name: 'certs', load: async () => (await import('./certs.ts')).certsCommand },
  { name: 'completion', load: async () => (await import('./completion.ts')).completionCommand(() => COMMANDS) },
]
