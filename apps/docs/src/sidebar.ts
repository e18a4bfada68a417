/** The pages of the site in the order in which a reader meets them. */
export interface Section {
  readonly text: string;
  readonly collapsed?: boolean;
  readonly items: { readonly text: string; readonly link: string }[];
}

const page = (link: string, text: string) => ({ text, link });

const SECTIONS: readonly Section[] = [
  {
    text: 'Start',
    items: [
      page('/first-hour', 'The first hour'),
      page('/concepts', 'Concepts'),
      page('/choosing', 'Which strategy, which limit'),
      page('/gallery', 'Gallery'),
      page('/examples', 'All examples'),
    ],
  },
  {
    text: 'Guides',
    items: [
      page('/guides/data-collection', 'Collect data'),
      page('/guides/pipeline', 'A pipeline'),
      page('/guides/batch', 'A batch of documents'),
      page('/datasets', 'Data sets'),
      page('/control-flow', 'Control flow'),
      page('/guides/loops', 'Loops'),
      page('/guides/modules', 'Modules'),
      page('/guides/approvals', 'Approvals and questions'),
      page('/steps', 'Tasks without a model'),
      page('/planning', 'Plans that a model writes'),
      page('/providers', 'Providers'),
      page('/limits', 'Limits'),
      page('/guides/budgets', 'Budgets'),
      page('/journal', 'Resumable runs'),
      page('/many-machines', 'Many machines'),
      page('/watching', 'Watching runs'),
      page('/guides/web', 'A web page of a run'),
      page('/guides/tracing', 'Traces, metrics and logs'),
      page('/adaptive', 'The adaptive strategy'),
      page('/adaptive-internals', 'How adaptive works'),
      page('/simulation', 'Simulation'),
      page('/guides/testing', 'Testing plans'),
      page('/guides/security', 'Security'),
    ],
  },
  {
    text: 'Good to know',
    items: [
      page('/patterns', 'Patterns and anti-patterns'),
      page('/troubleshooting', 'Troubleshooting'),
      page('/performance', 'Performance'),
      page('/runtimes', 'Where it runs'),
      page('/comparison', 'Other libraries'),
      page('/migration', 'From go-deep-agent'),
      page('/stability', 'Stability'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('/reference/executor', 'Executor options'),
      page('/reference/plan-files', 'Plan files'),
      page('/reference/cli', 'Command line'),
      page('/reference/events', 'Events'),
      page('/reference/errors', 'Error codes'),
      page('/api/', 'API'),
    ],
  },
  { text: 'More guides', items: [] },
  { text: 'Packages', collapsed: true, items: [] },
  {
    text: 'This repository',
    collapsed: true,
    items: [
      page('/architecture', 'Architecture'),
      page('/contributing', 'Contributing'),
      page('/benchmarks', 'Benchmarks'),
    ],
  },
];

/**
 * The sections with the pages that exist. Packages, and pages of `docs` that no section names, are added.
 *
 * @param pages The pages of the site, such as `guides/batch.md`, with their titles.
 */
export function sidebar(pages: ReadonlyMap<string, string>): Section[] {
  const linkOf = (file: string) => `/${file.replace(/(index)?\.md$/, '')}`;
  const links = new Set([...pages.keys()].map(linkOf));
  const named = new Set(SECTIONS.flatMap(({ items }) => items.map(({ link }) => link)));
  const others = [...pages]
    .map(([file, title]) => page(linkOf(file), title))
    .filter(({ link }) => !named.has(link) && link !== '/' && !link.startsWith('/api/'));
  const isPackage = ({ link }: { link: string }) => link.startsWith('/packages/');
  return SECTIONS.map((section) => {
    if (section.text === 'Packages') {
      const items = others.filter(isPackage);
      return { ...section, items: items.map(({ link }) => page(link, link.slice(10))) };
    }
    if (section.text === 'More guides')
      return { ...section, items: others.filter((each) => !isPackage(each)) };
    return { ...section, items: section.items.filter(({ link }) => links.has(link)) };
  }).filter(({ items }) => items.length > 0);
}
