/** A test of texts against a pattern in which `*` stands for any characters, also none; all else for itself. */
export function wildcard(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('[^]*')}$`);
  return (text) => expression.test(text);
}
