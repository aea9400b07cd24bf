import type { ReasonRow } from './reason-row.ts'

/** Reasons of the agent's installer: plugin and entry on a node. */
export const INSTALLER_REASONS = {
  cni_in_place: {
    level: 'skip',
    says: (p: { file: string }) => `the runtime's CNI configuration ${p.file} runs Sluice's plugin last`,
    fix: null,
  },
  cni_config_absent: {
    level: 'alarm',
    says: (p: { directory: string; looked: string }) =>
      `${p.directory} holds no CNI configuration yet that a runtime could use${p.looked}`,
    fix: 'let the main CNI plugin write its configuration; Sluice waits for it and never writes one of its own in its place',
  },
  cni_config_named_absent: {
    level: 'alarm',
    says: (p: { file: string }) => `the CNI configuration ${p.file}, which the settings name, is not there yet`,
    fix: 'correct the name, or leave it out to follow what the runtime uses',
  },
  cni_config_unusable: {
    level: 'alarm',
    says: (p: { file: string; problem: string }) => `the CNI configuration ${p.file} ${p.problem}`,
    fix: 'have its owner write it anew; Sluice changes no file that it cannot read',
  },
  cni_config_outranked: {
    level: 'alarm',
    says: (p: { file: string; by: string }) =>
      `the runtime uses ${p.by}, which sorts before ${p.file}, where Sluice's entry is`,
    fix: 'rename one of the two files, or leave the name out of the settings to follow what the runtime uses',
  },
  cni_config_taken: {
    level: 'alarm',
    says: (p: { file: string }) => `${p.file} is needed for Sluice's entry, but the file belongs to somebody else`,
    fix: 'remove the file if it is a leftover, or name another one in the settings',
  },
  cni_config_unseen: {
    level: 'skip',
    says: () => "the node's CNI configuration was not looked at yet",
    fix: null,
  },
  cni_directory_unreadable: {
    level: 'alarm',
    says: (p: { directory: string; problem: string }) =>
      `the CNI configuration in ${p.directory} cannot be read: ${p.problem}`,
    fix: "make sure that the node's directory is mounted into the agent and that the agent may read it",
  },
  cni_write_failed: {
    level: 'alarm',
    says: (p: { directory: string; problem: string }) =>
      `the CNI configuration in ${p.directory} cannot be written: ${p.problem}`,
    fix: 'free space, or mount the directory writable; if it is read-only on this platform, name the platform (--platform)',
  },
  cni_plugin_failed: {
    level: 'alarm',
    says: (p: { file: string; problem: string }) => `the plugin cannot be put at ${p.file}: ${p.problem}`,
    fix: 'free space, or mount the directory writable; if it is read-only on this platform, name the platform (--platform)',
  },
  cni_config_fight: {
    level: 'alarm',
    says: (p: { file: string; repairs: number; minutes: number; by: string }) =>
      `somebody keeps taking Sluice's entry out of ${p.file}: ${p.repairs} repairs within ${p.minutes} minutes, the next one waits${p.by}`,
    fix: 'let the other writer leave entries of others alone (Cilium: cni.exclusive=false), or give Sluice a file of its own (--cni-conf-mode owned)',
  },
  cni_config_exclusive: {
    level: 'warn',
    says: (p: { file: string }) => `${p.file} was set aside by Cilium, which allows no CNI configuration but its own`,
    fix: 'set cni.exclusive=false in the values of Cilium',
  },
  cni_uninstalled: {
    level: 'alarm',
    says: (p: { until: string }) =>
      `the plugin was uninstalled from this node; an agent installs it again after ${p.until}`,
    fix: 'nothing if this was intended; otherwise remove the file sluice-cni.uninstalled beside the plugin',
  },
} as const satisfies Record<string, ReasonRow>
