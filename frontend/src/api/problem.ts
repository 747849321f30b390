/** RFC 9457 answer of the API, or what stands in for it when no answer came. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  trace_id: string;
  run_id?: string;
}

/**
 * A request that did not give what was asked.
 * `status` 0 means that no answer came at all (network down, server away).
 */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }

  get unanswered(): boolean {
    return this.problem.status === 0;
  }

  /** Whether asking again, unchanged, may help. */
  get passing(): boolean {
    return this.unanswered || this.problem.status === 429 || this.problem.status >= 500;
  }
}

/** Nobody is signed in, or no longer. */
export function isUnknown(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.status === 401;
}

function text(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}

/** Reads a refused answer; a body that is no problem document still gives a usable problem. */
export async function problemOf(response: Response, traceId: string): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const problem: Problem = {
    type: text(fields.type, 'about:blank'),
    title: text(fields.title, `HTTP ${response.status}`),
    status: response.status,
    detail: text(fields.detail, ''),
    trace_id: text(fields.trace_id, response.headers.get('x-trace-id') ?? traceId),
  };
  if (typeof fields.run_id === 'string') problem.run_id = fields.run_id;
  return new ProblemError(problem);
}
