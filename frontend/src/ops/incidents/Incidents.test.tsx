import { screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, recorded, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';
import { stateOfIncident } from './judge';

const { incident } = recorded;

beforeEach(() => keepKey(VIEWER_KEY));

describe('an incident', () => {
  it('tells its timeline in order, and its alerts with their runbooks', async () => {
    onTheWire();
    visit('/operacoes/incidentes/1');
    await screen.findByRole('heading', { name: incident.title });
    const told = within(screen.getByRole('region', { name: 'Linha do tempo' }));
    expect(
      told.getAllByRole('listitem').map(({ lastElementChild }) => lastElementChild?.textContent),
    ).toEqual(incident.events.map(({ actor, says }) => `${actor}: ${says}`));
    const alerts = within(screen.getByRole('region', { name: 'Alertas' }));
    expect(alerts.getAllByRole('link', { name: /^Abrir source-failed/ })).toHaveLength(1);
  });

  it('is called by the names of each ladder', async () => {
    onTheWire();
    visit('/operacoes/incidentes/1');
    expect(await screen.findByText('alta · SEV-2 · P2')).toBeInTheDocument();
  });

  it('whose update is overdue says so', async () => {
    onTheWire({ '/v1/incidents/1': { ...incident, update_overdue: true } });
    visit('/operacoes/incidentes/1');
    expect(await screen.findByText(/está atrasada/)).toHaveTextContent('▲ atenção');
  });

  it('is as bad as it is severe until it is resolved', () => {
    expect(stateOfIncident({ status: 'investigating', severity: 'high' })).toBe('critical');
    expect(stateOfIncident({ status: 'monitoring', severity: 'low' })).toBe('warn');
    expect(stateOfIncident({ status: 'resolved', severity: 'critical' })).toBe('ok');
  });

  it('is found in the list', async () => {
    onTheWire();
    visit('/operacoes/incidentes');
    const list = within(await screen.findByRole('table', { name: 'Incidentes' }));
    expect(list.getByRole('link', { name: incident.title })).toHaveAttribute(
      'href',
      `/operacoes/incidentes/${incident.incident_id}`,
    );
  });
});
