/** Runs in workers: names that follow from the names of fields. */

/** The name of a field in JSON unless it says another: `foo_bar` is `fooBar`. Rule of protobuf's JSON mapping. */
export const jsonName = (field: string): string =>
  field.replace(/_+([^_]?)/g, (_, letter: string) => letter.toUpperCase());

/** The message that holds the entries of a map field: `foo_bar` has `FooBarEntry`. Compilers insist on it. */
export function mapEntryName(field: string): string {
  const camel = jsonName(field);
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`;
}
