/**
 * The node that a token is bound to, as an optional text: the API server puts it there, directly or through the pod that the
 * token is bound to (Kubernetes 1.30 and later).
 */
export const NODE_CLAIM = claim('node-name')

/** The uid of the pod that a token is bound to, as an optional text. */
export const POD_CLAIM = claim('pod-uid')

function claim(name: string): string {
  return `request.userInfo.?extra[?'authentication.kubernetes.io/${name}'][?0]`
}

/** The name under which a service account is known as a user. */
export function accountUser(namespace: string, account: string): string {
  return `system:serviceaccount:${namespace}:${account}`
}
