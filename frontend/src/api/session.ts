/**
 * What a browser's session must send with each change, so that another site's page cannot have it
 * made. In memory only: it is asked for anew with the page.
 */
let formToken: string | null = null;

export function keepFormToken(token: string | null | undefined): void {
  formToken = token ?? null;
}

export function readFormToken(): string | null {
  return formToken;
}
