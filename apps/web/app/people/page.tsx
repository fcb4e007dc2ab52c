'use client';
import { PeopleList } from '../../features/people/people-list';
import { usePageTitle } from '../../features/shell/page-title';
import { PlainPage } from '../../features/shell/plain-page';
import { useMe } from '../../lib/queries';
import { Notice } from '../../ui/notice';
import { HeaderStart } from '../frame';

export default function PeoplePage() {
  const { data } = useMe();
  usePageTitle('People', 0, null);
  return (
    <PlainPage title="People" start={<HeaderStart />}>
      {data?.user.role === 'admin' ? <PeopleList /> : <Notice>Only administrators see this list.</Notice>}
    </PlainPage>
  );
}
