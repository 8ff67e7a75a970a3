// What schemas and routes are called, where two could be called the same.
import type { AnySchema } from '../schema/schema.js';
import type { RouteNode } from './dsl/route.js';

/** Schemas are called by their names; versions of one schema beside each other with the version. */
export function schemaNames(schemas: readonly AnySchema[]): ReadonlyMap<AnySchema, string> {
  const isAlone = ({ name }: AnySchema): boolean =>
    schemas.filter((other) => other.name === name).length === 1;
  const nameOf = (schema: AnySchema): string =>
    isAlone(schema) ? schema.name : `${schema.name}@${schema.model.version}`;
  return new Map(schemas.map((schema) => [schema, nameOf(schema)]));
}

/** A route is called like its schema; where several are, also by the endpoints they serve. */
export function routeNames(routes: readonly RouteNode[]): string[] {
  const schemas = new Set(routes.flatMap(({ schema }) => (schema === null ? [] : [schema])));
  const names = schemaNames([...schemas]);
  const plain = (route: RouteNode): string =>
    route.name ?? (route.schema === null ? 'raw' : (names.get(route.schema) ?? ''));
  return routes.map((route) => {
    const name = plain(route);
    if (route.name !== null || routes.filter((other) => plain(other) === name).length === 1)
      return name;
    return `${name}@${route.from?.map((endpoint) => endpoint.name).join('+') ?? 'all'}`;
  });
}
