/** Whose process it is, by the text of its `/proc/PID/cgroup`. */
export type CgroupOwner =
  | { readonly is: 'container'; readonly podUid: string | undefined; readonly container: string }
  | { readonly is: 'none' }
  | { readonly is: 'unclear'; readonly problem: string }

/** ASCII punctuation, as Go's `[[:punct:]]`; the runtimes and the systemd driver each separate by another of these */
const PUNCT = '[!-/:-@[-`{-~]'
const NO_PUNCT = '[^!-/:-@[-`{-~]'
const UID = ['{8}', '{4}', '{4}', '{4}', '{12}'].map((count) => `[0-9a-fA-F]${count}`).join(`${PUNCT}?`)
const IN_POD = new RegExp(`${PUNCT}pod(${UID})${PUNCT}(?:${NO_PUNCT}+${PUNCT})*(${NO_PUNCT}+)$`)
/** CRI-O may leave the pod's uid out */
const IN_CRIO = new RegExp(`crio${PUNCT}(${NO_PUNCT}+)$`)
const SEPARATORS = new RegExp(PUNCT, 'g')
const SCOPE = '.scope'

type Container = Extract<CgroupOwner, { is: 'container' }>

/**
 * The pod and the container that a process belongs to, from lines `id:controllers:path` of any runtime and driver, also as
 * seen from inside a cgroup namespace (cni.md §5.8). Lines that name different ones leave it unclear.
 */
export function podOfCgroup(text: string): CgroupOwner {
  let found: Container | undefined
  for (const line of linesOf(text)) {
    const path = /^[^:]*:[^:]*:(.*)$/.exec(line)?.[1]
    if (path === undefined) return { is: 'unclear', problem: 'a line is not id:controllers:path' }
    const owner = ownerOf(path.endsWith(SCOPE) ? path.slice(0, -SCOPE.length) : path)
    if (owner === undefined) continue
    if (found !== undefined && (found.podUid !== owner.podUid || found.container !== owner.container))
      return { is: 'unclear', problem: 'its lines name different pods or containers' }
    found = owner
  }
  return found ?? { is: 'none' }
}

/** A path of both forms is CRI-O's usual one, below the pod's: Istio finds nothing there, and with it no pod of such a node. */
function ownerOf(path: string): Container | undefined {
  const [, uid, container] = IN_POD.exec(path) ?? []
  if (uid !== undefined && container !== undefined)
    return { is: 'container', podUid: uid.replace(SEPARATORS, '-'), container }
  const [, ofCrio] = IN_CRIO.exec(path) ?? []
  return ofCrio === undefined ? undefined : { is: 'container', podUid: undefined, container: ofCrio }
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
