/// Counts of a log since it was opened.
package struct LogStatistics: Equatable, Sendable {
    /// Batches of records that became durable.
    package internal(set) var batches: UInt64 = 0
    /// Writes handed to the device: batches, seals, idle marks, headers, MANIFEST.
    package internal(set) var writes: UInt64 = 0
    /// Bytes of all those writes.
    package internal(set) var bytes: UInt64 = 0
}
