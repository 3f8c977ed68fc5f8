/** A buffer that grows while a message is written into it. One is shared by all writers of a format: nothing waits while a message is written. */
export class ByteOutput {
  protected buffer = Buffer.allocUnsafeSlow(1024);
  protected at = 0;

  /** Begins a message. */
  begin(header: Uint8Array): void {
    this.at = 0;
    this.raw(header);
  }

  /** A copy of the message. */
  end(): Buffer {
    const message = Buffer.allocUnsafe(this.at);
    this.buffer.copy(message, 0, 0, this.at);
    return message;
  }

  /** Makes room for so many bytes more. */
  protected room(length: number): void {
    if (this.at + length <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.at + length, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }
}
