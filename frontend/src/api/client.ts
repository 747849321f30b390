import { readKey } from './key';
import { ProblemError, problemOf } from './problem';
import { readFormToken } from './session';

/** Where the API is; set VITE_API_BASE_URL at build time to point elsewhere. */
export const API_BASE: string = import.meta.env.VITE_API_BASE_URL || '/v1';

export type Query = Record<string, string | number | undefined>;

interface Ask {
  signal?: AbortSignal;
  /** Send the viewer's key: only what is not public needs it. */
  withKey?: boolean;
  headers?: Record<string, string>;
}

/** A change asked for: how, and what it sends as JSON. */
export interface Change {
  method: 'POST' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** The same number with the same content is the same change, however often it is sent. */
  once?: string;
}

/** What the documents print at the root stands there, and not under the version. */
const AT_ROOT = /^\/(admin|files|dlq)(\/|$)/;

function homeOf(path: string): string {
  return AT_ROOT.test(path) ? API_BASE.replace(/\/v1$/, '') : API_BASE;
}

/** The address of a question, with empty parameters left out. */
export function addressOf(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]));
  return `${homeOf(path)}${path}${pairs.length > 0 ? `?${search}` : ''}`;
}

function newTraceId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function headersOf(traceId: string, withKey: boolean): Headers {
  const headers = new Headers({ Accept: 'application/json' });
  // Cross-origin this header would cost a preflight per request; the answer's own id serves there.
  if (API_BASE.startsWith('/')) headers.set('traceparent', `00-${traceId}-${traceId.slice(16)}-01`);
  const key = withKey ? readKey() : null;
  if (key !== null) headers.set('Authorization', `Bearer ${key}`);
  return headers;
}

/** Sends one request; throws ProblemError for every refusal and for silence. */
async function send(path: string, query: Query, options: Ask, change?: Change): Promise<Response> {
  const traceId = newTraceId();
  const { signal, withKey = false } = options;
  const headers = headersOf(traceId, withKey);
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  const token = change ? readFormToken() : null;
  if (token !== null) headers.set('X-Atalaia-Form', token);
  if (change?.once !== undefined) headers.set('Idempotency-Key', change.once);
  if (change?.body !== undefined) headers.set('Content-Type', 'application/json');
  try {
    const response = await fetch(addressOf(path, query), {
      headers,
      ...(signal && { signal }),
      ...(change && { method: change.method }),
      ...(change?.body !== undefined && { body: JSON.stringify(change.body) }),
    });
    if (!response.ok) throw await problemOf(response, traceId);
    return response;
  } catch (error) {
    if (error instanceof ProblemError || signal?.aborted) throw error;
    throw new ProblemError({
      type: 'about:blank',
      title: 'unanswered',
      status: 0,
      detail: error instanceof Error ? error.message : String(error),
      trace_id: traceId,
    });
  }
}

/**
 * Asks the API one question.
 * Throws ProblemError for every refusal and for silence; an aborted request rethrows the abort.
 */
export async function ask<T>(path: string, query: Query = {}, options: Ask = {}): Promise<T> {
  const response = await send(path, query, options);
  return (await response.json()) as T;
}

/** Asks for a file. Always with the key: what is public is linked to instead. */
export async function askFile(path: string, query: Query = {}): Promise<Blob> {
  const response = await send(path, query, { withKey: true });
  return response.blob();
}

/** Opens what the API goes on telling, until the signal ends it. */
export async function askStream(
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { body } = await send(path, {}, { signal, headers, withKey: true });
  if (!body) throw new Error(`${path} answered nothing to read`);
  return body;
}

interface Upload {
  /** What it is; of a form the browser says so itself. */
  type?: string;
  /** The same number with the same content is the same request, however often it is sent. */
  once?: string;
  headers?: Record<string, string>;
  onProgress: (share: number) => void;
}

/**
 * Sends a file, telling how much of it is on its way. Not by `fetch`, which does not say. Never tried
 * again by itself; throws ProblemError like everything here.
 */
export function upload<T>(path: string, file: Blob | FormData, options: Upload): Promise<T> {
  const traceId = newTraceId();
  const headers = headersOf(traceId, true);
  const token = readFormToken();
  if (options.type !== undefined) headers.set('Content-Type', options.type);
  if (token !== null) headers.set('X-Atalaia-Form', token);
  if (options.once !== undefined) headers.set('Idempotency-Key', options.once);
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', addressOf(path));
    headers.forEach((value, name) => {
      request.setRequestHeader(name, value);
    });
    request.upload.onprogress = ({ loaded, total }) => options.onProgress(loaded / (total || 1));
    request.onload = async () => {
      const answer = new Response(request.responseText || null, { status: request.status });
      if (answer.ok) resolve((await answer.json()) as T);
      else reject(await problemOf(answer, traceId));
    };
    request.onerror = () =>
      reject(
        new ProblemError({
          type: 'about:blank',
          title: 'unanswered',
          status: 0,
          detail: '',
          trace_id: traceId,
        }),
      );
    request.send(file);
  });
}

/** Has the API change something. Never tried again by itself: the caller sees what happened. */
export async function act<T>(path: string, change: Change, query: Query = {}): Promise<T> {
  const response = await send(path, query, { withKey: true }, change);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
