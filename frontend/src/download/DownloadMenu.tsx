import { Button, Menu } from '@mantine/core';
import { useLanguage } from '../i18n/language';

interface DownloadMenuProps {
  onCsv: () => void;
  /** Missing where nothing is drawn. */
  onPng?: (() => void) | undefined;
}

export function DownloadMenu({ onCsv, onPng }: DownloadMenuProps) {
  const { say } = useLanguage();
  return (
    <Menu position="bottom-end" width={300} withinPortal>
      <Menu.Target>
        <Button variant="default" size="compact-sm">
          {say('download.label')} <span aria-hidden="true">&nbsp;↓</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={onCsv}>
          {say('download.csv')}
          <br />
          <small>{say('download.csvHelp')}</small>
        </Menu.Item>
        {onPng && <Menu.Item onClick={onPng}>{say('download.png')}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
