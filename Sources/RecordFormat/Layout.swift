/// The sizes that every reader and writer of the format shares. The bytes: <doc:Format>.
package enum Layout {
    /// Version of the format. A reader refuses a larger major number and ignores the minor one.
    package static let major: UInt16 = 1
    package static let minor: UInt16 = 0
    /// What batches start on and are padded to, in bytes: a torn write damages only its own batch.
    package static let page = 4096
    /// What the device is trusted to write whole, in bytes.
    package static let sector = 512
    package static let segmentHeader = page
    /// The last page of a segment, kept free for the footer of a sealed one.
    package static let segmentFooter = page
    package static let batchHeader = 64
    /// The batch's time, before its first record.
    package static let bodyPrefix = 8
    package static let recordHeader = 16
    /// Where in a record its flags are.
    static let recordFlags = 9
    /// The most that a record takes beside its payload: header, time, trace id, cause.
    package static let recordOverhead = recordHeader + 8 + 16 + 10
    package static let manifestSlot = page

    /// `count` rounded up to whole pages.
    package static func padded(_ count: Int) -> Int { (count + page - 1) & ~(page - 1) }
}
