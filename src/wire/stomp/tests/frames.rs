//! The specifications' chapters on frames: ends of lines, headers, escapes, bodies, limits.
//! A name begins with the versions that the clause is from: v10, v11, v12, or all.

use super::*;
use crate::wire::stomp::{Cause, Command};

use Version::{V1_0, V1_1, V1_2};

#[test]
fn all_a_frame_is_a_command_headers_a_blank_line_a_body_and_nul() {
    for version in Version::ALL {
        let frame = frame(version, b"SEND\ndestination:/a\nh:1\n\nhello\0").unwrap();
        assert_eq!((frame.command.clone(), frame.header("destination")), (Command::Send, Some("/a")));
        assert_eq!((frame.header("h"), &*frame.body), (Some("1"), &b"hello"[..]));
    }
}

#[test]
fn all_nul_may_be_followed_by_ends_of_lines() {
    for version in Version::ALL {
        let items = items(Some(version), b"\n\nACK\n\n\0\n\n\nACK\n\n\0ACK\n\n\0\n").unwrap();
        let shape: Vec<_> = items.iter().map(|item| matches!(item, Item::Frame(_))).collect();
        assert_eq!(shape, [false, true, false, true, true, false]);
    }
}

#[test]
fn all_commands_and_header_names_are_case_sensitive() {
    for version in Version::ALL {
        assert!(frame(version, b"send\n\n\0").is_err());
        let frame = frame(version, b"SEND\nDestination:/a\n\n\0").unwrap();
        assert_eq!((frame.header("destination"), frame.header("Destination")), (None, Some("/a")));
    }
}

#[test]
fn all_of_repeated_headers_the_first_counts() {
    for version in Version::ALL {
        let frame = frame(version, b"SEND\nfoo:World\nfoo:Hello\nbar:1\n\n\0").unwrap();
        assert_eq!(frame.headers.len(), 2);
        assert_eq!(frame.header("foo"), Some("World"));
    }
}

#[test]
fn all_a_header_has_a_name_and_a_colon() {
    for version in Version::ALL {
        for line in ["h", ":x", ":", "content-length"] {
            let broken = frame(version, format!("SEND\nreceipt:r1\n{line}\n\n\0").as_bytes()).unwrap_err();
            assert_eq!((broken.cause, broken.receipt.as_deref()), (Cause::Malformed, Some("r1")), "{line}");
        }
        assert_eq!(value(version, "h:").unwrap(), "");
        if version == V1_0 {
            assert!(frame(version, b"SEND\n :x\n\n\0").is_err());
        }
        // Later versions escape a colon, clients of old do not.
        assert_eq!(value(version, "h:a:b").unwrap(), "a:b");
    }
}

#[test]
fn all_headers_are_utf_8() {
    for version in Version::ALL {
        assert_eq!(value(version, "h:한글\u{1f980}").unwrap(), "한글\u{1f980}");
        assert!(frame(version, b"SEND\nh:\xff\n\n\0").is_err());
        assert!(frame(version, b"SEND\n\xc3\x28:1\n\n\0").is_err());
    }
}

#[test]
fn v10_has_no_escapes() {
    for text in ["a\\nb", "a\\cb", "a\\\\b", "a\\rb", "a\\tb", "\\"] {
        assert_eq!(value(V1_0, &format!("h:{text}")).unwrap(), text);
    }
}

#[test]
fn v11_v12_escapes_are_undone_in_names_and_values() {
    for version in [V1_1, V1_2] {
        assert_eq!(value(version, "h:\\na\\c\\\\b\\\\n").unwrap(), "\na:\\b\\n");
        let frame = frame(version, b"SEND\nx\\cy:1\n\n\0").unwrap();
        assert_eq!(frame.header("x:y"), Some("1"));
    }
    assert_eq!(value(V1_2, "h:\\r").unwrap(), "\r");
}

#[test]
fn v11_undefined_escapes_are_fatal() {
    for escape in ["\\t", "\\r", "\\", "\\N", "\\x41", "\\ "] {
        assert_eq!(value(V1_1, &format!("h:a{escape}")).unwrap_err().cause, Cause::Malformed, "{escape}");
        assert!(frame(V1_1, format!("SEND\nh{escape}:1\n\n\0").as_bytes()).is_err(), "{escape}");
    }
}

#[test]
fn v12_undefined_escapes_are_fatal() {
    for escape in ["\\t", "\\R", "\\", "\\N", "\\x41", "\\ "] {
        assert_eq!(value(V1_2, &format!("h:a{escape}")).unwrap_err().cause, Cause::Malformed, "{escape}");
        assert!(frame(V1_2, format!("SEND\nh{escape}:1\n\n\0").as_bytes()).is_err(), "{escape}");
    }
}

#[test]
fn all_connect_is_not_escaped() {
    for version in [None, Some(V1_0), Some(V1_1), Some(V1_2)] {
        for command in ["CONNECT", "STOMP"] {
            let bytes = format!("{command}\nlogin:a\\cb\\n\\t:c\n\n\0");
            let items = items(version, bytes.as_bytes()).unwrap();
            let [Item::Frame(frame)] = &*items else { panic!("one frame, not {items:?}") };
            assert_eq!(frame.header("login"), Some("a\\cb\\n\\t:c"));
        }
    }
}

#[test]
fn v11_v12_headers_are_never_trimmed_and_v10_pads_them() {
    for version in [V1_1, V1_2] {
        let frame = frame(version, b"SEND\n h : 1 \n\n\0").unwrap();
        assert_eq!(frame.headers, [(" h ".to_owned(), " 1 ".to_owned())]);
    }
    assert_eq!(frame(V1_0, b"SEND\nh : 1 \n\n\0").unwrap().header("h"), Some("1"));
}

#[test]
fn v12_lines_may_end_with_cr_lf() {
    let frame = frame(V1_2, b"SEND\r\ndestination:/a\r\nh:1\n\r\na\r\nb\0").unwrap();
    assert_eq!((frame.header("destination"), frame.header("h")), (Some("/a"), Some("1")));
    assert_eq!(frame.body, b"a\r\nb");
}

#[test]
fn v12_a_carriage_return_in_a_header_must_be_escaped() {
    assert!(value(V1_2, "h:a\rb").is_err());
    assert!(value(V1_2, "h:a\r\r").is_err());
}

#[test]
fn v10_v11_a_carriage_return_is_a_character_as_any_other() {
    for version in [V1_0, V1_1] {
        assert_eq!(value(version, "h:a\rb\r").unwrap(), "a\rb\r");
        assert!(frame(version, b"SEND\r\n\r\n\0").is_err());
    }
}

#[test]
fn all_connect_may_end_its_lines_with_cr_lf_for_no_version_is_agreed_on_yet() {
    let items = items(None, b"CONNECT\r\naccept-version:1.2\r\nhost:h\r\n\r\n\0\r\n").unwrap();
    let Item::Frame(frame) = &items[0] else { panic!("a frame, not {items:?}") };
    assert_eq!((frame.header("accept-version"), frame.header("host")), (Some("1.2"), Some("h")));
}

#[test]
fn all_without_content_length_a_body_ends_at_the_first_nul() {
    for version in Version::ALL {
        let items = items(Some(version), b"SEND\n\na\nb\0ACK\n\n\0").unwrap();
        let Item::Frame(frame) = &items[0] else { panic!("a frame, not {items:?}") };
        assert_eq!((&*frame.body, items.len()), (&b"a\nb"[..], 2));
    }
}

#[test]
fn all_content_length_counts_bytes_whether_or_not_nul_is_among_them() {
    for version in Version::ALL {
        let frame = frame(version, b"SEND\ncontent-length:7\n\na\0b\0\xff\n\0\0").unwrap();
        assert_eq!(frame.body, b"a\0b\0\xff\n\0");
        let repeated = super::frame(version, b"SEND\ncontent-length:2\ncontent-length:9\n\nab\0").unwrap();
        assert_eq!(repeated.body, b"ab");
    }
}

#[test]
fn all_a_counted_body_ends_with_nul_all_the_same() {
    for version in Version::ALL {
        let broken = frame(version, b"SEND\nreceipt:7\ncontent-length:2\n\nabc\0").unwrap_err();
        assert_eq!(broken.receipt.as_deref(), Some("7"));
    }
}

#[test]
fn all_content_length_is_a_whole_number() {
    for version in Version::ALL {
        for length in ["", "-1", "+1", "1.0", "x", "0x1", "1 1"] {
            let bytes = format!("SEND\ncontent-length:{length}\n\na\0");
            assert!(frame(version, bytes.as_bytes()).is_err(), "{length}");
        }
    }
}

#[test]
fn all_a_frame_without_a_blank_line_ends_with_nul_as_the_disconnect_of_the_specification() {
    for version in Version::ALL {
        let frame = frame(version, b"DISCONNECT\nreceipt:77\n\0").unwrap();
        assert_eq!((frame.command.clone(), frame.header("receipt")), (Command::Disconnect, Some("77")));
        assert!(super::frame(version, b"DISCONNECT\nreceipt:77\0").is_err());
        assert!(super::frame(version, b"DISCONNECT\0").is_err());
    }
}

#[test]
fn all_limits_are_kept_before_the_bytes_are_there() {
    let too_large = |bytes: &[u8]| {
        for version in Version::ALL {
            assert_eq!(items(Some(version), bytes).unwrap_err().cause, Cause::TooLarge);
        }
    };
    let headers: String = (0..65).map(|number| format!("h{number}:\n")).collect();
    too_large(format!("SEND\n{headers}").as_bytes());
    too_large(format!("SEND\n{}", "h:\n".repeat(65)).as_bytes());
    too_large(format!("SEND\nh:{}", "x".repeat(8191)).as_bytes());
    let long = "x".repeat(8000);
    too_large(format!("SEND\na:{long}\nb:{long}\nc:{long}\n").as_bytes());
    too_large(b"SEND\ncontent-length:1025\n\n");
    too_large(b"SEND\ncontent-length:99999999999999999999999999\n\n");
    too_large(format!("SEND\n\n{}", "x".repeat(1025)).as_bytes());
}

#[test]
fn all_what_is_just_within_the_limits_is_read() {
    for version in Version::ALL {
        let headers: String = (0..64).map(|number| format!("h{number}:\n")).collect();
        assert_eq!(frame(version, format!("SEND\n{headers}\n\0").as_bytes()).unwrap().headers.len(), 64);
        assert!(value(version, &format!("h:{}", "x".repeat(8190))).is_ok());
        let body = "x".repeat(1024);
        for length in ["", "content-length:1024\n"] {
            assert_eq!(
                frame(version, format!("SEND\n{length}\n{body}\0").as_bytes()).unwrap().body.len(),
                1024
            );
        }
    }
}

#[test]
fn all_after_a_broken_frame_nothing_is_read() {
    let mut decoder = Decoder::new(Bounds::with_body(1024));
    let mut input = &b"nonsense\nCONNECT\n\n\0"[..];
    let broken = decoder.decode(&mut input).unwrap_err();
    let left = input.len();
    assert_eq!(decoder.decode(&mut input), Err(broken));
    assert_eq!((input.len(), decoder.held()), (left, 0));
}

#[test]
fn a_request_of_http_is_broken_at_its_first_line() {
    assert!(items(None, b"GET /ws HTTP/1.1\r\n").is_err());
}

#[test]
fn an_idle_decoder_holds_no_memory() {
    let mut decoder = Decoder::new(Bounds::with_body(1024));
    let mut input = &b"SEND\nh:1\n\nhello\0\n"[..];
    while decoder.decode(&mut input).unwrap().is_some() {}
    assert_eq!(decoder.held(), 0);
}
