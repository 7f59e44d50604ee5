/**
 * Who is asking: the chosen role and person, and a token that is fresh whenever a request leaves.
 *
 * Two ways to sign in, told by the server in a meta element: `choose` a demo person (development: the API hands the
 * identity stand-in's tokens through) or `paste` a token (everywhere else). Only the choice is remembered, never a
 * token that somebody chose; a pasted one lives in the tab's session storage and ends with the tab.
 */
import { readToken } from './token';

export const ANONYMOUS = 'anonymous';

export interface Person {
  role: string;
  user_id: string;
  email: string;
  name: string;
}

export interface SessionState {
  mode: 'choose' | 'paste';
  /** Demo people; empty until they are known, and in `paste` mode. */
  people: Person[];
  /** The roles to choose from, `anonymous` among them. */
  roles: string[];
  role: string;
  userId: string | null;
  /** The person's or the token's name, for people to read. */
  name: string;
  /** When the token ends, in milliseconds since 1970. */
  expiresAt: number | null;
  status: 'signing-in' | 'signed-in' | 'anonymous' | 'failed';
  /** What went wrong, when `failed`. */
  problem: string;
  /** 0 until `start` is done; grows with each change of identity, not with renewals. */
  generation: number;
}

interface Choice {
  role: string;
  userId: string | null;
}

const CHOICE_KEY = 'caregraph:who';
const PASTED_KEY = 'caregraph:pasted';
/** Tokens are renewed this long before they end. */
const RENEW_BEFORE_MS = 120_000;
/** A failed renewal is tried again after this. */
const RETRY_MS = 15_000;
/** How long one answer of the server may take. */
const TIMEOUT_MS = 10_000;
/** Longer timers overflow and fire at once. */
const LONGEST_TIMER_MS = 2_000_000_000;

/** Roles in the order in which people meet them; others follow by name. */
const ROLE_ORDER = [ANONYMOUS, 'user', 'provider', 'cct', 'admin', 'service'];

export class Session {
  #state: SessionState;
  #token: string | null = null;
  #renewal: Promise<void> | null = null;
  #timer: number | undefined;
  #listeners = new Set<() => void>();

  constructor() {
    const mode = document.querySelector<HTMLMetaElement>('meta[name=caregraph-sign-in]')?.content;
    this.#state = {
      mode: mode === 'choose' ? 'choose' : 'paste',
      people: [],
      roles: [ANONYMOUS],
      role: ANONYMOUS,
      userId: null,
      name: '',
      expiresAt: null,
      status: 'anonymous',
      problem: '',
      generation: 0,
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  state = (): SessionState => this.#state;

  /** Sign in as whoever was chosen last, if anyone. */
  async start(): Promise<void> {
    if (this.#state.mode === 'paste') {
      this.paste(sessionStorage.getItem(PASTED_KEY) ?? '', readChoice()?.role);
      return;
    }
    this.#set({ status: 'signing-in' });
    try {
      const people = await askJson<Person[]>('/dev/identities');
      this.#set({ people, roles: sortRoles([ANONYMOUS, ...people.map((person) => person.role)]) });
    } catch (error) {
      this.#set({ generation: this.#state.generation + 1 });
      this.#fail(`The demo people could not be listed: ${messageOf(error)}`);
      return;
    }
    const choice = readChoice();
    const known = choice && this.#state.roles.includes(choice.role) ? choice : { role: ANONYMOUS, userId: null };
    await this.choose(known.role, known.userId);
  }

  /** Become `userId` of `role`, or the first of that role; `anonymous` needs nobody. */
  async choose(role: string, userId: string | null = null): Promise<void> {
    const people = this.#state.people.filter((person) => person.role === role);
    const person = people.find((one) => one.user_id === userId) ?? people[0];
    this.#forgetToken();
    localStorage.setItem(CHOICE_KEY, JSON.stringify({ role, userId: person?.user_id ?? null } satisfies Choice));
    this.#set({
      role,
      userId: person?.user_id ?? null,
      name: person?.name ?? '',
      expiresAt: null,
      problem: '',
      status: person ? 'signing-in' : 'anonymous',
      generation: this.#state.generation + 1,
    });
    if (person) await this.#renew();
  }

  /** Use a token that somebody got elsewhere; the role is one that it allows. */
  paste(token: string, role?: string): void {
    const text = token.trim().replace(/^bearer\s+/i, '');
    this.#forgetToken();
    sessionStorage.removeItem(PASTED_KEY);
    const generation = this.#state.generation + 1;
    if (!text) {
      this.#set({ ...nobody(), roles: [ANONYMOUS], generation });
      return;
    }
    try {
      const claims = readToken(text);
      const ended = claims.expiresAt !== null && claims.expiresAt <= Date.now();
      if (ended) throw new Error('This token has ended. Paste a fresh one.');
      const chosen = role && claims.roles.includes(role) ? role : (claims.roles[0] ?? '');
      this.#token = text;
      sessionStorage.setItem(PASTED_KEY, text);
      this.#set({
        role: chosen,
        roles: claims.roles,
        userId: null,
        name: claims.name,
        expiresAt: claims.expiresAt,
        status: 'signed-in',
        problem: '',
        generation,
      });
      this.#schedule();
    } catch (error) {
      this.#set({ ...nobody(), roles: [ANONYMOUS], generation });
      this.#fail(messageOf(error));
    }
  }

  /** Another role of the pasted token. */
  switchRole(role: string): void {
    localStorage.setItem(CHOICE_KEY, JSON.stringify({ role, userId: null } satisfies Choice));
    this.#set({ role, generation: this.#state.generation + 1 });
  }

  /** The headers that say who is asking, with a token that has not ended; renews it first when it is about to. */
  async headers(): Promise<Record<string, string>> {
    if (this.#renewal) await this.#renewal;
    else if (this.#state.mode === 'choose' && this.#state.userId && this.#isDue()) await this.#renew();
    if (!this.#token) {
      if (this.#state.status === 'failed' && this.#state.role !== ANONYMOUS) throw new Error(this.#state.problem);
      return {};
    }
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    if (this.#state.role) headers['x-hasura-role'] = this.#state.role;
    return headers;
  }

  #isDue(): boolean {
    const { expiresAt } = this.#state;
    return this.#token === null || (expiresAt !== null && expiresAt - Date.now() < RENEW_BEFORE_MS / 2);
  }

  #renew(): Promise<void> {
    const { generation, role, userId } = this.#state;
    const renewal = this.#fetchToken(role, userId, generation).finally(() => {
      if (this.#renewal === renewal) this.#renewal = null;
    });
    this.#renewal = renewal;
    return renewal;
  }

  async #fetchToken(role: string, userId: string | null, generation: number): Promise<void> {
    try {
      const answer = await askJson<{ id_token: string }>('/dev/token', { role, user_id: userId });
      // Somebody else was chosen meanwhile.
      if (generation !== this.#state.generation) return;
      this.#token = answer.id_token;
      this.#set({ expiresAt: readToken(answer.id_token).expiresAt, status: 'signed-in', problem: '' });
      this.#schedule();
    } catch (error) {
      if (generation !== this.#state.generation) return;
      const stillValid = this.#token !== null && (this.#state.expiresAt ?? 0) > Date.now();
      if (!stillValid) {
        this.#token = null;
        this.#fail(`Signing in failed: ${messageOf(error)}`);
      }
      this.#timer = window.setTimeout(() => void this.#renew(), RETRY_MS);
    }
  }

  #schedule(): void {
    window.clearTimeout(this.#timer);
    const { expiresAt, mode } = this.#state;
    if (expiresAt === null) return;
    const lead = mode === 'choose' ? RENEW_BEFORE_MS : 0;
    const delay = Math.min(Math.max(expiresAt - Date.now() - lead, 1_000), LONGEST_TIMER_MS);
    this.#timer = window.setTimeout(() => {
      if (mode === 'choose') void this.#renew();
      else this.paste(this.#token ?? '');
    }, delay);
  }

  #forgetToken(): void {
    window.clearTimeout(this.#timer);
    this.#token = null;
    this.#renewal = null;
  }

  #fail(problem: string): void {
    this.#set({ status: 'failed', problem });
  }

  #set(change: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function nobody(): Partial<SessionState> {
  return { role: ANONYMOUS, userId: null, name: '', expiresAt: null, status: 'anonymous', problem: '' };
}

function sortRoles(roles: string[]): string[] {
  const rank = (role: string) => (ROLE_ORDER.includes(role) ? ROLE_ORDER.indexOf(role) : ROLE_ORDER.length);
  return [...new Set(roles)].sort((one, other) => rank(one) - rank(other) || one.localeCompare(other));
}

function readChoice(): Choice | null {
  try {
    const choice = JSON.parse(localStorage.getItem(CHOICE_KEY) ?? 'null') as Choice | null;
    return choice && typeof choice.role === 'string' ? choice : null;
  } catch {
    return null;
  }
}

async function askJson<Answer>(path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = (await response.json().catch(() => null)) as (Answer & { error?: { message?: string } }) | null;
  if (!response.ok || answer === null) {
    throw new Error(answer?.error?.message ?? `the server answered ${response.status}`);
  }
  return answer;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
