/** Ports on which an injected proxy or its agent listens: an application's metrics cannot be there. */
export const RESERVED_PORTS: readonly number[] = [15000, 15001, 15004, 15006, 15008, 15020, 15021, 15053, 15090]
