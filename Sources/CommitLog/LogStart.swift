package import Primitives

/// What is known of a log before it is opened, from a snapshot: its records below an offset have
/// been folded already and are not read again.
package struct LogStart: Sendable {
    /// The first record to be replayed.
    package var next: Offset
    /// When the last one before it was written.
    package var lastTime: Timestamp
    /// Where the records below are.
    package var index: OffsetIndex
    /// Below this every record was durable, as snapshots say: at least those before ``next``. A log
    /// that ends before has lost some.
    package var reach: Offset

    /// Nothing is known: every record is replayed.
    package init() {
        self.init(next: .zero, lastTime: Timestamp(nanoseconds: 0), index: OffsetIndex())
    }

    package init(next: Offset, lastTime: Timestamp, index: OffsetIndex) {
        self.next = next
        self.lastTime = lastTime
        self.index = index
        reach = next
    }
}
