import { formatRadius, parseNorm, parseRadius, RevatError, type NormName } from '@revat/core';

/**
 * How an attacker of a threat model is played: which attacks run, in which order, with which budget.
 *
 * - `autoattack-standard`, `autoattack-plus`, `autoattack-rand`: AutoAttack (Croce and Hein 2020, 2021), the exact protocol.
 * - `apgdt`: the paper's shorter protocol, APGD on the targeted DLR loss, 40 iterations and 3 target classes
 *   (section 3.1: "roughly off by 1-2 % compared to full AutoAttack").
 * - `apgd-ce`: APGD on the cross-entropy, 20 iterations: cheap, for curves and sanity checks, an upper bound only.
 */
export const PROTOCOLS = [
  'autoattack-standard',
  'autoattack-plus',
  'autoattack-rand',
  'apgdt',
  'apgd-ce',
] as const;

export type Protocol = (typeof PROTOCOLS)[number];

/** What the attacker may do: a ball of `eps` in `norm` around each image, intersected with [0, 1], and the protocol that tests it. */
export interface ThreatModel {
  /** Stable name for folders, tables and files, e.g. "linf-4_255-autoattack-standard". */
  readonly id: string;
  readonly norm: NormName;
  /** Radius in input units. */
  readonly eps: number;
  readonly protocol: Protocol;
  /** For people, e.g. "Linf 4/255, standard AutoAttack". */
  readonly label: string;
  /** Whether the models were trained against this norm ("seen", as in the paper's Table 1). */
  readonly seen: boolean;
}

export interface ThreatModelOptions {
  norm: NormName | (string & {});
  /** Radius in input units: a number, "0.0157" or "4/255". */
  eps: number | string;
  /** Default "autoattack-standard". */
  protocol?: Protocol | (string & {});
  /** Default false. */
  seen?: boolean;
}

const PROTOCOL_LABELS: Readonly<Record<Protocol, string>> = {
  'autoattack-standard': 'standard AutoAttack',
  'autoattack-plus': 'AutoAttack plus',
  'autoattack-rand': 'AutoAttack rand',
  apgdt: 'APGD-T (40 iterations, 3 targets)',
  'apgd-ce': 'APGD-CE (20 iterations)',
};

/** "standard AutoAttack" for "autoattack-standard". */
export function protocolLabel(protocol: Protocol): string {
  return PROTOCOL_LABELS[protocol];
}

/** A validated, frozen threat model. Throws 'invalid-argument' (radius) or 'unknown-name' (norm, protocol). */
export function threatModel(options: ThreatModelOptions): ThreatModel {
  const norm = parseNorm(options.norm, 'threatModel: norm');
  const eps = parseRadius(options.eps, 'threatModel: eps');
  const protocol = parseProtocol(options.protocol ?? 'autoattack-standard');
  const radius = formatRadius(eps);
  return Object.freeze({
    id: `${norm.toLowerCase()}-${radius.replace('/', '_')}-${protocol}`,
    norm,
    eps,
    protocol,
    label: `${norm} ${radius}, ${PROTOCOL_LABELS[protocol]}`,
    seen: options.seen ?? false,
  });
}

/**
 * A threat model from text: "NORM:RADIUS" or "NORM:RADIUS:PROTOCOL", e.g. "Linf:4/255" or "L1:12:apgdt".
 * Throws as `threatModel` does.
 */
export function parseThreatModel(text: string, options: Pick<ThreatModelOptions, 'seen'> = {}): ThreatModel {
  const [norm, eps, protocol, ...rest] = text.split(':');
  if (eps === undefined || rest.length > 0)
    throw new RevatError(
      'invalid-argument',
      `threatModel: cannot read "${text}". Write NORM:RADIUS or NORM:RADIUS:PROTOCOL, e.g. Linf:4/255 or L1:12:apgdt.`,
    );
  return threatModel({ norm: norm.trim(), eps, protocol: protocol?.trim(), ...options });
}

function parseProtocol(name: string): Protocol {
  const protocol = PROTOCOLS.find((known) => known === name);
  if (protocol) return protocol;
  throw new RevatError(
    'unknown-name',
    `threatModel: unknown protocol "${name}". Use one of ${PROTOCOLS.join(', ')}.`,
  );
}
