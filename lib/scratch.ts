// Memory that is lent and whose bytes mean nothing until somebody has written all of them. Who has
// it is state; what is in it is not, and an exploration does not put it back.

export class Scratch {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
