/** Codes that older versions gave. A code is public API: it is never given a second meaning, so none of these comes back. */
export const RETIRED_REASONS: readonly string[] = []
