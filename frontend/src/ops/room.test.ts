import { describe, expect, it } from 'vitest';
import { reaches } from './room';

describe('a role', () => {
  it('reaches what those below it reach, and a program of a tenant nothing', () => {
    expect(reaches('admin', 'viewer')).toBe(true);
    expect(reaches('operator', 'operator')).toBe(true);
    expect(reaches('auditor', 'operator')).toBe(false);
    expect(reaches('viewer', 'admin')).toBe(false);
    expect(reaches('client', 'viewer')).toBe(false);
  });
});
