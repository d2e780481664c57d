/// Which release this is, for whoever asks a program or reads a log.
package enum Release {
    package static let version = "0.1.0"
}
