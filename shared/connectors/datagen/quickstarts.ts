/** A data set that can be had by its name. */
export interface Quickstart {
  readonly keyField: string;
  /** The Avro schema with `arg.properties`. */
  readonly schema: unknown;
}

const of = (type: string, properties: Record<string, unknown>) => ({ type, 'arg.properties': properties });
const counted = (type: string, start: number, step?: number) => of(type, { iteration: step === undefined ? { start } : { start, step } });
const between = (type: string, min: number, max: number) => of(type, { range: { min, max } });
const oneOf = (...options: unknown[]) => of('string', { options });
const like = (regex: string) => of('string', { regex });

function record(namespace: string, name: string, fields: Record<string, unknown>, properties?: Record<string, unknown>): unknown {
  return {
    type: 'record',
    namespace,
    name,
    fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
    ...(properties && { 'arg.properties': properties }),
  };
}

const registered = between('long', 1_487_715_775_521, 1_519_273_364_600);
const user = {
  registertime: registered,
  userid: like('User_[1-9]'),
  regionid: like('Region_[1-9]'),
  gender: oneOf('MALE', 'FEMALE', 'OTHER'),
};

/** Data sets by name; fields, types and value ranges as in Confluent's connector. */
export const quickstarts: Readonly<Record<string, Quickstart>> = {
  users: { keyField: 'userid', schema: record('ksql', 'users', user) },
  users_: {
    keyField: 'userid',
    schema: record('ksql', 'users', {
      ...user,
      interests: {
        type: 'array',
        items: 'string',
        'arg.properties': {
          options: [
            ['Game', 'News'],
            ['Game', 'Sport'],
            ['News', 'Movies'],
            ['News', 'Travel'],
          ],
        },
      },
      contactinfo: {
        type: 'map',
        values: 'string',
        'arg.properties': {
          options: [
            { phone: '6503349999', city: 'San Mateo', state: 'CA', zipcode: '94403' },
            { phone: '9492229999', city: 'Irvine', state: 'CA', zipcode: '92617' },
            { phone: '6503889999', city: 'Palo Alto', state: 'CA', zipcode: '94301' },
            { phone: '4083366881', city: 'San Jose', state: 'CA', zipcode: '95112' },
            { phone: '6502215368', city: 'San Carlos', state: 'CA', zipcode: '94070' },
          ],
        },
      },
    }),
  },
  orders: {
    keyField: 'orderid',
    schema: record('ksql', 'orders', {
      ordertime: registered,
      orderid: counted('int', 0),
      itemid: like('Item_[1-9][0-9]{0,2}'),
      orderunits: between('double', 0.1, 10),
      address: record('ksql', 'address', { city: like('City_[1-9]{0,2}'), state: like('State_[1-9]{0,2}'), zipcode: between('long', 10_000, 99_999) }),
    }),
  },
  pageviews: {
    keyField: 'viewtime',
    schema: record('ksql', 'pageviews', { viewtime: counted('long', 1, 10), userid: like('User_[1-9]'), pageid: like('Page_[1-9][0-9]') }),
  },
  stock_trades: {
    keyField: 'symbol',
    schema: record('ksql', 'StockTrade', {
      side: oneOf('BUY', 'SELL'),
      quantity: between('int', 1, 5000),
      symbol: oneOf('ZBZX', 'ZJZZT', 'ZTEST', 'ZVV', 'ZVZZT', 'ZWZZT', 'ZXZZT'),
      price: between('int', 5, 1000),
      account: oneOf('ABC123', 'LMN456', 'XYZ789'),
      userid: like('User_[1-9]'),
    }),
  },
  inventory: { keyField: 'id', schema: record('ksql', 'inventory', { id: counted('long', 0), quantity: counted('long', 0), productid: counted('long', 0) }) },
  product: {
    keyField: 'id',
    schema: record('ksql', 'product', { id: counted('long', 0), name: counted('string', 0), description: counted('string', 0), price: counted('double', 0) }),
  },
  purchases: {
    keyField: 'id',
    schema: record('datagen.example', 'purchase', {
      id: counted('long', 0),
      item_type: oneOf(...'boots shirt knife saucepan table chair clock frame guitar thermometer scarf doormat vase clippers game towels'.split(' ')),
      quantity: between('long', 1, 10),
      price_per_unit: { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2, 'arg.properties': { range: { min: 10, max: 50 } } },
    }),
  },
  transactions: {
    keyField: 'transaction_id',
    schema: record('datagen.example', 'transactions', {
      transaction_id: counted('long', 1),
      card_id: between('long', 1, 24),
      user_id: like('User_[1-9]{0,1}'),
      purchase_id: counted('long', 0),
      store_id: between('int', 1, 7),
    }),
  },
  stores: {
    keyField: 'store_id',
    schema: record(
      'datagen.example',
      'stores',
      { store_id: 'int', city: 'string', state: 'string' },
      {
        options: ['Raleigh, NC', 'Chicago, IL', 'Sacramento, CA', 'Austin, TX', 'Boston, MA', 'Atlanta, GA', 'Lexington, SC'].map((place, at) => {
          const [city, state] = place.split(', ');
          return { store_id: at + 1, city, state };
        }),
      },
    ),
  },
};
