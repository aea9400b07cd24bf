import type { ReasonRow } from './reason-row.ts'

const LOOK = 'see the ztunnel of the node: kubectl -n istio-system get pods -l app=ztunnel -o wide, and its log'
const VERSIONS = 'run a ztunnel and an agent of versions that go together; see the log of ztunnel'

/** Reasons of the conversation with ztunnel (cni.md §6). */
export const ZTUNNEL_REASONS = {
  ztunnel_not_connected: {
    level: 'alarm',
    says: () => "no ztunnel is connected to this node's agent",
    fix: LOOK,
  },
  ztunnel_refused: {
    level: 'alarm',
    says: (p: { error: string }) => `ztunnel could not take the pod: ${p.error}`,
    fix: 'free the ports 15001, 15006, 15008 and 15053 inside the pod where the error names one; ztunnel tries again by itself',
  },
  ztunnel_busy: {
    level: 'alarm',
    says: (p: { waiting: number }) => `${p.waiting} changes are already waiting for an answer from ztunnel`,
    fix: LOOK,
  },
  ztunnel_untold: {
    level: 'skip',
    says: () => 'the pod left before ztunnel was told about it',
    fix: null,
  },
  ztunnel_left: {
    level: 'warn',
    says: () => 'ztunnel closed its connection',
    fix: 'nothing while ztunnel is being replaced; it connects again by itself',
  },
  ztunnel_silent: {
    level: 'alarm',
    says: (p: { to: string; ms: number }) => `ztunnel did not answer ${p.to} within ${p.ms} ms`,
    fix: LOOK,
  },
  ztunnel_malformed: {
    level: 'alarm',
    says: (p: { problem: string }) => `a message from ztunnel cannot be read: ${p.problem}`,
    fix: VERSIONS,
  },
  ztunnel_unasked: {
    level: 'alarm',
    says: (p: { what: string }) => `ztunnel sent ${p.what} that was not requested`,
    fix: VERSIONS,
  },
  ztunnel_unreachable: {
    level: 'alarm',
    says: (p: { error: string }) => `nothing can be sent to ztunnel: ${p.error}`,
    fix: LOOK,
  },
  ztunnel_stranger: {
    level: 'alarm',
    says: (p: { uid: number; pid: number }) =>
      `process ${p.pid} of user ${p.uid} connected to ztunnel's socket and is not root`,
    fix: "find out what that process is; only root should be able to enter the directory of ztunnel's socket",
  },
  ztunnel_not_accepted: {
    level: 'alarm',
    says: (p: { error: string }) => `a ztunnel that connects cannot be let in: ${p.error}`,
    fix: 'compare the number of files that the agent has open with its limit; ztunnel tries again by itself',
  },
  ztunnel_thread_ended: {
    level: 'alarm',
    says: (p: { error: string }) => `the agent's thread for ztunnel has ended: ${p.error}`,
    fix: 'nothing: the agent stops, and the kubelet starts it again; if it happens again, report it with the log of the agent',
  },
  ztunnel_socket_owned: {
    level: 'alarm',
    says: (p: { socket: string }) => `another process on the node owns ztunnel's socket ${p.socket}`,
    fix: "only one agent on a node can own it, and this one takes it over when the other goes: take Istio's CNI agent off the node, or name another file by --ztunnel-socket on both sides",
  },
} as const satisfies Record<string, ReasonRow>
