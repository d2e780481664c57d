import CXXHash

/// XXH3 of 128 bits (Yann Collet), over bytes that come piece by piece: tells whether a file is
/// what was written.
package struct FileHash: ~Copyable {
    private let state: OpaquePointer

    package struct Value: Equatable, Sendable {
        package let high: UInt64
        package let low: UInt64

        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }
    }

    package init() {
        guard let state = XXH3_createState() else { preconditionFailure("out of memory") }
        self.state = state
        XXH3_128bits_reset(state)
    }

    deinit { XXH3_freeState(state) }

    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
    }

    /// Of all bytes so far.
    package var value: Value {
        let digest = XXH3_128bits_digest(state)
        return Value(high: digest.high64, low: digest.low64)
    }
}
