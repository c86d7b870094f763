use super::*;

fn parse(text: &str) -> Result<FromWorker, FrameError> {
    FromWorker::parse(&Frame { header: text.to_owned().into(), blobs: vec![] })
}

#[test]
fn reads_what_the_protocol_page_shows() {
    assert!(matches!(
        parse(r#"{"t":"call","id":7,"by":1,"attempt":1,"fn":"step","deps":{"x":5},"at":["/a.py",41]}"#),
        Ok(FromWorker::Call { id: 7, by: 1, .. })
    ));
    assert!(matches!(
        parse(r#"{"t":"end","call":12,"attempt":1,"tail":9,"us":3}"#),
        Ok(FromWorker::End(End { tail: Some(9), .. }))
    ));
    let end = r#"{"t":"end","call":3,"attempt":1,"ok":true,"us":3,"sources":[["lazy.py","00ff"]],
        "reads":[{"path":"p.txt","kind":"content","stamp":[7,20,5,6],"at":["app.py",3]},{"path":"q","kind":"absent"}]}"#;
    let Ok(FromWorker::End(end)) = parse(end) else { panic!("not an end") };
    let stamp = Stamp { inode: 7, size: 20, mtime: 5, ctime: 6 };
    assert_eq!((end.reads[0].stamp, end.reads[0].at.clone()), (Some(stamp), Some(("app.py".into(), 3))));
    assert_eq!((end.reads[1].kind, end.reads[1].stamp), (ReadKind::Absent, None));
    assert!(parse(r#"{"t":"nonsense"}"#).is_err());
}

#[test]
fn writes_compact_headers() {
    let header = ToWorker::Done { id: 7, ok: true, n: None, at: None, error: None, ahead: None }.header();
    assert_eq!(String::from_utf8_lossy(&header), r#"{"t":"done","id":7,"ok":true}"#);
}
