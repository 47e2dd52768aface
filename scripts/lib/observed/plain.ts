// JSON has no enums: each stands for the text or number that it is.
export type Plain<T> = T extends string ? `${T}`
  : T extends readonly (infer Item)[] ? Plain<Item>[]
  : T extends object ? { [Key in keyof T]: Plain<T[Key]> }
  : T;
