import type { CommandRow } from './command.ts'

/** Every command of `sluice`, in the order of help; loaded only when it is run. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'webhook',
    summary: 'serves the mutating admission webhook over HTTPS',
    load: async () => (await import('./webhook.ts')).webhookCommand,
  },
  {
    name: 'agent',
    summary: "redirects the traffic of one node's pods, when the runtime makes their network",
    load: async () => (await import('./agent.ts')).agentCommand,
  },
  {
    name: 'uninstall',
    summary: 'takes the plugin and its configuration entry off this node, without harm to the pods that run on it',
    load: async () => (await import('./uninstall.ts')).uninstallCommand,
  },
  {
    name: 'inject',
    summary: 'puts the pods of a file into the mesh and prints the file as it would be',
    load: async () => (await import('./inject.ts')).injectCommand,
  },
  {
    name: 'explain',
    summary:
      'says which mode pods get and why, and which ones they do not get and why not; of a file or of a live cluster',
    load: async () => (await import('./explain.ts')).explainCommand,
  },
  {
    name: 'check',
    summary: 'says whether Sluice can be installed (--pre), or whether all is well where it is, and what to do',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  {
    name: 'status',
    summary: 'shows for each pod of the mesh its mode, whether it was measured to be redirected, and when',
    load: async () => (await import('./status.ts')).statusCommand,
  },
  {
    name: 'audit',
    summary: 'lists every running container that holds NET_ADMIN: why, since when, and what would take it away',
    load: async () => (await import('./audit.ts')).auditCommand,
  },
  {
    name: 'plan',
    summary:
      'says what stands between the pods and less privilege (init → cni → ambient), in which order to move, and the way back',
    load: async () => (await import('./plan.ts')).planCommand,
  },
  {
    name: 'bundle',
    summary: 'collects what others need to help: settings, objects, logs and checks, without secrets',
    load: async () => (await import('./bundle.ts')).bundleCommand,
  },
  {
    name: 'rules',
    summary:
      'prints the rules that a node would apply for an injected pod, or for a configuration, or what takes them away',
    load: async () => (await import('./rules.ts')).rulesCommand,
  },
  {
    name: 'verify',
    summary: 'measures in a network namespace whether redirection holds, for each class of traffic, family and address',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'certs',
    summary:
      'makes the CA and certificate of a stand-alone webhook, or renews what needs it, and prints what clients must trust',
    load: async () => (await import('./certs.ts')).certsCommand,
  },
  {
    name: 'completion',
    summary: 'prints the completion of commands and flags for a shell',
    load: async () => (await import('./completion.ts')).completionCommand(() => COMMANDS),
  },
  {
    name: 'version',
    summary: 'says which version this is, and of which Node',
    load: async () => (await import('./version.ts')).versionCommand,
  },
]
