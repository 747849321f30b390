import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Search } from '../view/address';

interface RoomLinkProps {
  to: NonNullable<LinkProps['to']>;
  params?: Record<string, string>;
  /** What the other list is to be filtered by. */
  search?: Search;
  className?: string | undefined;
  children: ReactNode;
}

/** A way to another section: its own filters, and the language of this one. */
export function RoomLink({ to, params, search, className, children }: RoomLinkProps) {
  return (
    <Link
      to={to}
      params={params as never}
      search={(({ lang }: Search): Search => ({ ...(lang && { lang }), ...search })) as never}
      {...(className && { className })}
    >
      {children}
    </Link>
  );
}
