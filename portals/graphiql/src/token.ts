/** What a JSON web token says of itself. It is read for display and renewal only; the server is the one who verifies. */

const HASURA_CLAIMS = 'https://hasura.io/jwt/claims';

export interface TokenClaims {
  /** When it ends, in milliseconds since 1970; null when it does not say. */
  expiresAt: number | null;
  /** Whom it names: e-mail, else subject, else an empty string. */
  name: string;
  /** The roles that it allows, the default one first; empty when it names none. */
  roles: string[];
}

/** The claims of `token`; throws an Error with a sentence for people when it is no such token. */
export function readToken(token: string): TokenClaims {
  const [, payload, signature] = token.split('.');
  if (!payload || !signature) throw new Error('This is not a token: it should have three parts with dots between them.');
  let claims: Record<string, unknown>;
  try {
    const binary = atob(payload.replace(/-/g, '+').replace(/_/g, '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    throw new Error('This token cannot be read: its middle part is not JSON in base64.');
  }
  return {
    expiresAt: typeof claims.exp === 'number' ? claims.exp * 1000 : null,
    name: String(claims.email ?? claims.sub ?? ''),
    roles: rolesOf(claims[HASURA_CLAIMS]),
  };
}

function rolesOf(claims: unknown): string[] {
  if (typeof claims !== 'object' || claims === null) return [];
  const named = claims as Record<string, unknown>;
  const allowed = Array.isArray(named['x-hasura-allowed-roles']) ? named['x-hasura-allowed-roles'].map(String) : [];
  const standard = named['x-hasura-default-role'];
  return [...new Set([...(typeof standard === 'string' ? [standard] : []), ...allowed])];
}
