/** The bar's right side: who you are. */
import { type FormEvent, useState, useSyncExternalStore } from 'react';

import { ANONYMOUS, type Session, type SessionState } from './session';

const ROLE_LABELS: Record<string, string> = {
  anonymous: 'Visitor (anonymous)',
  user: 'Customer (user)',
  provider: 'Clinician (provider)',
  cct: 'Care team (cct)',
  admin: 'Operator (admin)',
  service: 'Agent (service)',
};

export function IdentityBox({ session }: { session: Session }) {
  const state = useSyncExternalStore(session.subscribe, session.state);
  return (
    <section className="who" aria-label="Who you are">
      {state.mode === 'choose' ? <Chooser session={session} state={state} /> : <Paster session={session} state={state} />}
      <Status state={state} />
    </section>
  );
}

function Chooser({ session, state }: { session: Session; state: SessionState }) {
  const people = state.people.filter((person) => person.role === state.role);
  return (
    <>
      <label className="field">
        <span>Role</span>
        <select value={state.role} onChange={(event) => void session.choose(event.target.value)}>
          {state.roles.map((role) => (
            <option key={role} value={role}>
              {ROLE_LABELS[role] ?? role}
            </option>
          ))}
        </select>
      </label>
      {people.length > 0 && (
        <label className="field">
          <span>Person</span>
          <select
            className="person"
            value={state.userId ?? ''}
            onChange={(event) => void session.choose(state.role, event.target.value)}
          >
            {people.map((person) => (
              <option key={person.user_id} value={person.user_id}>
                {person.name || person.email || person.user_id}
              </option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}

function Paster({ session, state }: { session: Session; state: SessionState }) {
  const [token, setToken] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    session.paste(token);
    setToken('');
  };
  if (state.status === 'signed-in') {
    return (
      <>
        {state.roles.length > 0 && (
          <label className="field">
            <span>Role</span>
            <select value={state.role} onChange={(event) => session.switchRole(event.target.value)}>
              {state.roles.map((role) => (
                <option key={role} value={role}>
                  {ROLE_LABELS[role] ?? role}
                </option>
              ))}
            </select>
          </label>
        )}
        <button type="button" className="plain" onClick={() => session.paste('')}>
          Forget token
        </button>
      </>
    );
  }
  return (
    <form className="paste" onSubmit={submit}>
      <label className="field">
        <span>ID token</span>
        <input
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="Paste a token to sign in"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      <button type="submit" disabled={!token.trim()}>
        Use
      </button>
    </form>
  );
}

function Status({ state }: { state: SessionState }) {
  return (
    <p className={`status ${state.status}`} role="status" title={state.problem || undefined}>
      <span className="dot" aria-hidden="true" />
      <span className="words">{wordsFor(state)}</span>
    </p>
  );
}

function wordsFor(state: SessionState): string {
  switch (state.status) {
    case 'signing-in':
      return 'Signing in…';
    case 'failed':
      return state.problem;
    case 'anonymous':
      return state.role === ANONYMOUS ? 'Not signed in' : 'Nobody has this role';
    case 'signed-in': {
      const until = state.expiresAt === null ? '' : clock(state.expiresAt);
      // A chosen person's token renews itself; the end of a pasted one is news.
      return state.mode === 'choose' ? 'Signed in' : `${state.name || 'Signed in'}${until && `, until ${until}`}`;
    }
  }
}

function clock(milliseconds: number): string {
  return new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' }).format(milliseconds);
}
