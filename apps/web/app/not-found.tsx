import Link from 'next/link';

import { Empty } from '../ui/empty';

export default function NotFoundPage() {
  return (
    <div className="grid h-full flex-1 place-items-center">
      <Empty
        title="There is no such page"
        action={
          <Link href="/" className="font-medium text-accent-text underline-offset-2 hover:underline">
            All sessions
          </Link>
        }
      />
    </div>
  );
}
