import { SessionPage } from './session-page';

// One page is exported; the server answers every session's address with it.
export const dynamicParams = false;
export const generateStaticParams = () => [{ id: '_' }];

export default function Page() {
  return <SessionPage />;
}
